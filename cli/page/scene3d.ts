import * as three from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { Clip3d, Scene3d } from "../../core/report/figure.ts";
import { actorBody, type Body } from "./body3d.ts";
import { el } from "./dom.ts";
import { player } from "./player.ts";
import { color, onThemeChange } from "./theme.ts";

const TRAIL = 400;

/** Bodies that are played; the pointer turns, zooms and moves the view. */
export function scene3d(figure: Scene3d): HTMLElement {
  const canvas = el("canvas", { role: "img", "aria-label": "Animated scene" });
  const legend = el("ul", { class: "legend" }, ...figure.actors.filter((a) => a.name !== "").map(entry));
  const stage = el("div", { class: "stage" }, canvas, legend);
  let renderer: three.WebGLRenderer;
  try {
    renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    return el("p", { class: "card" }, "This browser draws no 3D (WebGL is off).");
  }
  renderer.setPixelRatio(Math.min(2, devicePixelRatio));
  renderer.shadowMap.enabled = true;

  const scene = new three.Scene();
  const world = new three.Group();
  if (figure.up === "z") world.rotation.x = -Math.PI / 2;
  const sunlight = lights();
  scene.add(world, ...sunlight.objects);
  const ground = groundPlane();
  scene.add(...ground.objects);
  const bodies = figure.actors.map(actorBody);
  for (const { object } of bodies) world.add(object);
  const trail = trailOf();
  world.add(trail.object);

  const camera = new three.PerspectiveCamera(35, 1, 0.01, 100);
  const controls = new OrbitControls(camera, canvas);
  controls.enablePan = true;
  controls.maxPolarAngle = Math.PI / 2 - 0.02;
  // The page scrolls where the wheel is not held down on purpose.
  controls.enableZoom = false;
  canvas.addEventListener("pointerdown", () => {
    controls.enableZoom = true;
  });
  canvas.addEventListener("pointerleave", () => {
    controls.enableZoom = false;
  });

  let pending = false;
  const render = (): void => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      renderer.render(scene, camera);
    });
  };
  controls.addEventListener("change", render);

  const restyle = (): void => {
    for (const body of bodies) body.restyle();
    trail.restyle();
    ground.restyle();
    render();
  };
  onThemeChange(restyle);
  restyle();

  let shown = -1;
  const followed = new three.Vector3();
  const draw = (index: number, frame: number): void => {
    const clip = figure.clips[index]!;
    pose(bodies, clip, frame);
    trail.draw(clip, frame);
    const at = followedPoint(clip, frame, world);
    if (shown !== index) {
      shown = index;
      frameView(camera, controls, extentOf(clip, world, at !== null));
    } else if (at !== null) {
      const moved = at.clone().sub(followed).setY(0);
      camera.position.add(moved);
      controls.target.add(moved);
      ground.moveTo(controls.target);
      sunlight.moveTo(controls.target);
    }
    if (at !== null) followed.copy(at);
    controls.update();
    render();
  };
  const clips = figure.clips.map((clip) => ({ ...clip, length: Math.max(...clip.frames.map((f) => f.length)) }));
  const element = player(stage, clips, draw);
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = stage;
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    render();
  }).observe(stage);
  return element;
}

const entry = ({ name, ink }: { readonly name: string; readonly ink: string }): HTMLElement =>
  el("li", {}, el("span", { class: "swatch", style: `background: var(--ink-${ink})` }), name);

function pose(bodies: readonly Body[], { frames }: Clip3d, frame: number): void {
  for (const [actor, body] of bodies.entries()) {
    const own = frames[actor] ?? [];
    body.object.visible = own.length > 0;
    if (own.length > 0) body.pose(between(own, frame));
  }
}

/** Points between two frames; the last frame stays. */
function between(frames: readonly (readonly number[])[], at: number): readonly number[] {
  const last = frames.length - 1;
  const now = Math.min(last, Math.floor(at));
  const next = frames[Math.min(last, now + 1)]!;
  const share = Math.min(last, at) - now;
  return share === 0 ? frames[now]! : frames[now]!.map((value, i) => value + (next[i]! - value) * share);
}

const pointOf = (points: readonly number[], index: number): three.Vector3 =>
  new three.Vector3(points[3 * index], points[3 * index + 1], points[3 * index + 2]);

/** In the scene's own axes; null for a clip whose camera stands still. */
function followedPoint({ follow, frames }: Clip3d, frame: number, world: three.Group): three.Vector3 | null {
  if (follow === undefined) return null;
  world.updateMatrixWorld();
  return world.localToWorld(pointOf(between(frames[follow.actor]!, frame), follow.point));
}

/** What the camera must see: everything that moves, or the first frame where it goes along. */
function extentOf({ frames }: Clip3d, world: three.Group, first: boolean): three.Box3 {
  const box = new three.Box3();
  world.updateMatrixWorld();
  for (const points of frames.flatMap((own) => (first ? own.slice(0, 1) : own))) {
    for (let i = 0; i < points.length / 3; i++) box.expandByPoint(world.localToWorld(pointOf(points, i)));
  }
  return box;
}

function frameView(camera: three.PerspectiveCamera, controls: OrbitControls, box: three.Box3): void {
  const center = box.getCenter(new three.Vector3());
  const radius = box.getSize(new three.Vector3()).length() / 2;
  controls.target.copy(center);
  // Half of the sphere around it all is empty.
  const closeness = 0.85;
  const away = new three.Vector3(1, 0.55, 1.1)
    .normalize()
    .multiplyScalar((closeness * radius) / Math.sin((35 * Math.PI) / 360));
  camera.position.copy(center).add(away);
  controls.minDistance = radius * 0.5;
  controls.maxDistance = radius * 8;
}

/** Where shadows come from, seen from what stands in the middle. */
const SUN = new three.Vector3(2.5, 5, 2);

function lights() {
  const sun = new three.DirectionalLight("#ffffff", 2.4);
  sun.position.copy(SUN);
  sun.castShadow = true;
  sun.shadow.mapSize.set(2048, 2048);
  Object.assign(sun.shadow.camera, { left: -3, right: 3, top: 3, bottom: -3, near: 0.5, far: 12 });
  sun.shadow.radius = 6;
  sun.shadow.bias = -0.0005;
  const back = new three.DirectionalLight("#bcd4ff", 0.8);
  back.position.set(-3, 2, -3);
  return {
    objects: [new three.HemisphereLight("#ffffff", "#8a8f9a", 1.5), sun, sun.target, back],
    /** Shadows are cast near this place only. */
    moveTo({ x, z }: three.Vector3): void {
      sun.target.position.set(x, 0, z);
      sun.position.copy(SUN).add(sun.target.position);
    },
  };
}

/** Half the grid's side, and its cells', m. */
const GRID = 3.5;
const CELL = 0.25;

/** A grid that fades out, and the shadows on it. */
function groundPlane() {
  const grid = new three.LineSegments(
    gridGeometry(),
    new three.LineBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }),
  );
  const shadow = new three.Mesh(
    new three.PlaneGeometry(40, 40),
    new three.ShadowMaterial({ opacity: 0.22, depthWrite: false }),
  );
  shadow.rotation.x = -Math.PI / 2;
  shadow.receiveShadow = true;
  return {
    objects: [grid, shadow],
    restyle: () => grid.material.color.set(color("floor")),
    /** The grid stays where it is; its end comes along, whole cells at a time. */
    moveTo({ x, z }: three.Vector3): void {
      grid.position.set(Math.round(x / CELL) * CELL, 0, Math.round(z / CELL) * CELL);
      shadow.position.set(x, 0, z);
    },
  };
}

/** A line a side of each cell, fainter with the distance from the middle. */
function gridGeometry(): three.BufferGeometry {
  const places: number[] = [];
  const colors: number[] = [];
  const put = (x: number, z: number): void => {
    places.push(x, 0, z);
    colors.push(1, 1, 1, 0.75 * Math.max(0, 1 - Math.hypot(x, z) / GRID) ** 1.5);
  };
  for (let a = -GRID; a <= GRID; a += CELL) {
    for (let b = -GRID; b < GRID; b += CELL) {
      put(a, b);
      put(a, b + CELL);
      put(b, a);
      put(b + CELL, a);
    }
  }
  return new three.BufferGeometry()
    .setAttribute("position", new three.Float32BufferAttribute(places, 3))
    .setAttribute("color", new three.Float32BufferAttribute(colors, 4));
}

/** Small balls along the way of a point up to now. */
function trailOf() {
  const material = new three.MeshBasicMaterial();
  const object = new three.InstancedMesh(new three.SphereGeometry(0.006, 8, 6), material, TRAIL);
  object.frustumCulled = false;
  const at = new three.Matrix4();
  return {
    object,
    restyle: () => material.color.set(color("ink-model")),
    draw({ trail, frames }: Clip3d, frame: number): void {
      const own = trail === undefined ? [] : frames[trail.actor]!;
      const stride = Math.ceil(own.length / TRAIL) || 1;
      object.count = Math.min(TRAIL, Math.floor(Math.min(frame, own.length - 1) / stride) + 1);
      for (let i = 0; i < object.count; i++) {
        object.setMatrixAt(i, at.setPosition(pointOf(own[i * stride]!, trail!.point)));
      }
      object.instanceMatrix.needsUpdate = true;
    },
  };
}
