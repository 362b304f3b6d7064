import { readMetadata } from "./metadata.js";
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";

// More threads need a page that is isolated from others by its headers.
ort.env.wasm.numThreads = 1;

const element = (id) => document.getElementById(id);
const degrees = (radians) => (radians * 180) / Math.PI;

/** A labelled row with two elements in it. */
function row(parent, label, middle, right) {
  const line = document.createElement("label");
  line.className = "row";
  line.append(label, middle, right);
  element(parent).append(line);
}

/** A number that can be typed and dragged: `{ get, set }`. */
function poseControl(label, min, max, onChange) {
  const [slider, field] = ["range", "number"].map((type) =>
    Object.assign(document.createElement("input"), { type, min, max, step: 0.001 }),
  );
  field.ariaLabel = label;
  const set = (value) => {
    slider.value = value;
    // Adding zero turns −0 into 0.
    field.value = (Math.round(value * 1000) / 1000 + 0).toFixed(3);
  };
  slider.oninput = () => {
    set(Number(slider.value));
    onChange();
  };
  field.oninput = () => {
    slider.value = field.value;
    onChange();
  };
  row("pose", label, slider, field);
  return { get: () => Number(field.value), set };
}

/** A bar that shows a joint between its limits: `show(value)`. */
function jointDisplay(name, type, min, max) {
  const bar = Object.assign(document.createElement("meter"), { min, max });
  const text = document.createElement("output");
  row("joints", name, bar, text);
  return (value) => {
    bar.value = value;
    text.value = type === "prismatic" ? `${(value * 1000).toFixed(1)} mm` : `${degrees(value).toFixed(2)}°`;
  };
}

async function start() {
  const place = new URLSearchParams(location.search).get("model") ?? "model.onnx";
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${place} is not here. Write it with: mf export <run> --out ${place}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const about = readMetadata(bytes);
  if (about.task !== "ik") throw new Error(`${place} is not a model of inverse kinematics that mf export wrote.`);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const [names, types, lower, upper, home] = ["joints", "joint_types", "lower", "upper", "reference_pose"].map((key) =>
    JSON.parse(about[key]),
  );
  const usual = JSON.parse(about.inputs).reference.default;

  let reference = usual;
  const solveNow = async () => {
    const pose = controls.map((control) => control.get());
    const began = performance.now();
    let [q, moved, inside] = [element("follow").checked ? reference : usual, 0, true];
    const passes = Math.max(1, Math.round(element("passes").valueAsNumber) || 1);
    for (let pass = 0; pass < passes; pass++) {
      const { joints, within_limits } = await session.run({
        pose: new ort.Tensor("float32", Float32Array.from(pose), [1, 7]),
        reference: new ort.Tensor("float32", Float32Array.from(q), [1, names.length]),
      });
      const next = Array.from(joints.data);
      moved = Math.max(...next.map((value, i) => Math.abs(value - q[i])));
      inside = within_limits.data[0] === 1;
      q = next;
    }
    const time = (performance.now() - began).toFixed(1);
    if (!q.every(Number.isFinite)) {
      element("result").textContent =
        "This pose has no answer: its quaternion has length zero, or a number is missing.";
      return;
    }
    reference = q;
    q.forEach((value, i) => void displays[i](value));
    element("result").textContent =
      `${passes} pass${passes === 1 ? "" : "es"} in ${time} ms. The last pass moved the joints by ${degrees(moved).toFixed(3)}° at most` +
      `${moved < 1e-3 ? ": it has settled" : ""}.${inside ? "" : " A joint is at its limit."}`;
  };
  // One question after the other, and of those that wait only the newest.
  let asked = 0;
  let answered = Promise.resolve();
  const solve = () => {
    const turn = ++asked;
    answered = answered.then(() => (turn === asked ? solveNow() : undefined));
    return answered;
  };
  const controls = ["x (m)", "y (m)", "z (m)", "qw", "qx", "qy", "qz"].map((label, i) => {
    const middle = i < 3 ? Math.round(home[i] * 10) / 10 : 0;
    const reach = i < 3 ? 0.4 : 1;
    return poseControl(label, middle - reach, middle + reach, solve);
  });
  const displays = names.map((name, i) => jointDisplay(name, types[i], lower[i] ?? -Math.PI, upper[i] ?? Math.PI));
  const reset = () => {
    reference = usual;
    controls.forEach((control, i) => void control.set(home[i]));
    return solve();
  };
  element("passes").oninput = element("follow").oninput = solve;
  element("reset").onclick = reset;
  element("form").onsubmit = (event) => event.preventDefault();
  element("about").textContent =
    `${about.robot}, ${about.link}: ${about.run}, step ${about.step}, ${(bytes.length / 1e6).toFixed(1)} MB, ` +
    `${about.flow_steps} flow step${about.flow_steps === "1" ? "" : "s"} a pass, ONNX Runtime ${ort.env.versions.web}`;
  element("form").hidden = false;
  await reset();
}

start().catch((error) => {
  element("about").textContent = error.message;
});
