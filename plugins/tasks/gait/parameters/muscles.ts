/** What a muscle does at the joints it crosses. The order is that of the generator's scores. */
export const FUNCTIONS = [
  "hipFlexion",
  "hipExtension",
  "hipAbduction",
  "hipAdduction",
  "hipInternalRotation",
  "hipExternalRotation",
  "kneeExtension",
  "kneeFlexion",
  "plantarflexion",
  "dorsiflexion",
  "inversion",
  "eversion",
  "toeFlexion",
  "toeExtension",
  "trunkFlexion",
  "trunkExtension",
  "trunkSideBending",
] as const;
export type MuscleFunction = (typeof FUNCTIONS)[number];

/** A muscle, or a part of one, that each side of the body has. */
export interface Muscle {
  readonly name: string;
  /** Joints that it crosses; 3 stands for three or more. */
  readonly joints: 1 | 2 | 3;
  readonly functions: readonly MuscleFunction[];
  /** Its fibres run round the trunk and cross no joint lengthwise, so that there is no length to shorten. */
  readonly forceOnly?: true;
}

const m = (name: string, joints: Muscle["joints"], ...functions: MuscleFunction[]): Muscle => ({
  name,
  joints,
  functions,
});

/**
 * Muscles of the lower body and trunk by their anatomical names; broad ones in parts. The choice and parting are ours.
 */
export const MUSCLES: readonly Muscle[] = [
  m("Psoas_Major", 2, "hipFlexion"),
  m("Psoas_Minor", 1, "hipFlexion"),
  m("Iliacus", 1, "hipFlexion"),
  m("Rectus_Femoris", 2, "hipFlexion", "kneeExtension"),
  m("Sartorius", 2, "hipFlexion", "hipExternalRotation"),
  m("Tensor_Fasciae_Latae", 2, "hipFlexion", "hipAbduction", "hipInternalRotation"),
  m("Pectineus", 1, "hipAdduction"),
  m("Adductor_Longus", 1, "hipAdduction"),
  m("Adductor_Brevis", 1, "hipAdduction"),
  m("Adductor_Magnus_Upper", 1, "hipAdduction"),
  m("Adductor_Magnus_Middle", 1, "hipAdduction"),
  m("Adductor_Magnus_Lower", 1, "hipAdduction", "hipExtension"),
  m("Gracilis", 2, "hipAdduction", "kneeFlexion"),
  m("Gluteus_Maximus_Upper", 1, "hipExtension"),
  m("Gluteus_Maximus_Middle", 1, "hipExtension"),
  m("Gluteus_Maximus_Lower", 1, "hipExtension"),
  m("Gluteus_Medius_Anterior", 1, "hipAbduction", "hipInternalRotation"),
  m("Gluteus_Medius_Middle", 1, "hipAbduction"),
  m("Gluteus_Medius_Posterior", 1, "hipAbduction"),
  m("Gluteus_Minimus_Anterior", 1, "hipAbduction", "hipInternalRotation"),
  m("Gluteus_Minimus_Middle", 1, "hipAbduction"),
  m("Gluteus_Minimus_Posterior", 1, "hipAbduction"),
  m("Piriformis", 1, "hipExternalRotation"),
  m("Gemellus_Superior", 1, "hipExternalRotation"),
  m("Gemellus_Inferior", 1, "hipExternalRotation"),
  m("Obturator_Internus", 1, "hipExternalRotation"),
  m("Obturator_Externus", 1, "hipExternalRotation"),
  m("Quadratus_Femoris", 1, "hipExternalRotation"),
  m("Semimembranosus", 2, "hipExtension", "kneeFlexion"),
  m("Semitendinosus", 2, "hipExtension", "kneeFlexion"),
  m("Biceps_Femoris_Long_Head", 2, "hipExtension", "kneeFlexion"),
  m("Biceps_Femoris_Short_Head", 1, "kneeFlexion"),
  m("Popliteus", 1, "kneeFlexion"),
  m("Vastus_Lateralis", 1, "kneeExtension"),
  m("Vastus_Medialis", 1, "kneeExtension"),
  m("Vastus_Intermedius", 1, "kneeExtension"),
  m("Gastrocnemius_Lateral_Head", 2, "plantarflexion"),
  m("Gastrocnemius_Medial_Head", 2, "plantarflexion"),
  m("Soleus", 1, "plantarflexion"),
  m("Plantaris", 2, "plantarflexion"),
  m("Tibialis_Posterior", 3, "inversion"),
  m("Flexor_Digitorum_Longus", 3, "inversion", "toeFlexion"),
  m("Flexor_Hallucis_Longus", 3, "inversion", "toeFlexion"),
  m("Peroneus_Longus", 3, "eversion"),
  m("Peroneus_Brevis", 2, "eversion"),
  m("Peroneus_Tertius", 2, "eversion", "dorsiflexion"),
  m("Tibialis_Anterior", 2, "dorsiflexion"),
  m("Extensor_Digitorum_Longus", 3, "dorsiflexion", "toeExtension"),
  m("Extensor_Hallucis_Longus", 3, "dorsiflexion", "toeExtension"),
  m("Extensor_Digitorum_Brevis", 2, "toeExtension"),
  m("Extensor_Hallucis_Brevis", 1, "toeExtension"),
  m("Flexor_Digitorum_Brevis", 2, "toeFlexion"),
  m("Flexor_Hallucis_Brevis", 1, "toeFlexion"),
  m("Abductor_Hallucis", 2, "toeFlexion"),
  m("Abductor_Digiti_Minimi", 2, "toeFlexion"),
  m("Rectus_Abdominis", 3, "trunkFlexion"),
  m("External_Oblique", 3, "trunkFlexion", "trunkSideBending"),
  m("Internal_Oblique", 3, "trunkFlexion", "trunkSideBending"),
  { ...m("Transversus_Abdominis", 3, "trunkFlexion"), forceOnly: true },
  m("Quadratus_Lumborum", 3, "trunkSideBending"),
  m("Iliocostalis_Lumborum", 3, "trunkExtension", "trunkSideBending"),
  m("Longissimus_Thoracis", 3, "trunkExtension"),
  m("Spinalis_Thoracis", 3, "trunkExtension"),
  m("Multifidus", 2, "trunkExtension"),
  m("Semispinalis_Thoracis", 3, "trunkExtension"),
  m("Latissimus_Dorsi", 3, "trunkSideBending"),
  m("Serratus_Posterior_Inferior", 3, "trunkExtension"),
];

/** Right first, as in the motion's joints. */
export const SIDES = ["R", "L"] as const;
