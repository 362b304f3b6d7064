import * as three from "three";
import type { Actor, Ink, Part } from "../../core/report/figure.ts";
import { color } from "./theme.ts";

/** An actor in the scene. */
export interface Body {
  readonly object: three.Object3D;
  /** Puts every part between its points, x y z of each in turn. */
  pose(points: readonly number[]): void;
  /** Takes the colours of the theme. */
  restyle(): void;
}

const shaft = new three.CylinderGeometry(1, 1, 1, 28, 1, false);
const ball = new three.SphereGeometry(1, 28, 18);
const up = new three.Vector3(0, 1, 0);

/** Thinner than this, solids are lines: they cast no shadow. Metres. */
const THIN = 0.01;

/** An actor of solids. */
export function actorBody(actor: Actor): Body {
  const materials = new Map<Ink, three.MeshStandardMaterial>();
  const materialOf = (ink: Ink): three.MeshStandardMaterial => {
    const made = materials.get(ink) ?? new three.MeshStandardMaterial({ roughness: 0.45, metalness: 0.05 });
    materials.set(ink, made);
    return made;
  };
  const object = new three.Group();
  const solids = actor.parts.map((part) => {
    const ink = part.ink ?? actor.ink;
    const solid = solidOf(part, materialOf(ink));
    for (const mesh of solid.meshes) {
      mesh.castShadow = part.radius > THIN;
      object.add(mesh);
    }
    return solid;
  });
  return {
    object,
    pose: (points) => {
      for (const solid of solids) solid.pose(points);
    },
    restyle() {
      for (const [ink, material] of materials) material.color.set(color(`ink-${ink}`));
    },
  };
}

function solidOf({ shape, from, to, radius }: Part, material: three.Material) {
  const rod = new three.Mesh(shaft, material);
  const ends = shape === "capsule" ? [new three.Mesh(ball, material), new three.Mesh(ball, material)] : [];
  const [a, b, along] = [new three.Vector3(), new three.Vector3(), new three.Vector3()];
  for (const end of ends) end.scale.setScalar(radius);
  return {
    meshes: [rod, ...ends],
    pose(points: readonly number[]): void {
      a.set(points[3 * from]!, points[3 * from + 1]!, points[3 * from + 2]!);
      b.set(points[3 * to]!, points[3 * to + 1]!, points[3 * to + 2]!);
      along.subVectors(b, a);
      const length = along.length();
      rod.visible = length > 1e-6;
      rod.position.addVectors(a, b).multiplyScalar(0.5);
      rod.scale.set(radius, Math.max(length, 1e-6), radius);
      if (rod.visible) rod.quaternion.setFromUnitVectors(up, along.divideScalar(length));
      ends[0]?.position.copy(a);
      ends[1]?.position.copy(b);
    },
  };
}
