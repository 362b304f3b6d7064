import type { Clip2d, ColorMap, Figure2d, Ink, Mark } from "../../core/report/figure.ts";
import { el } from "./dom.ts";
import { number } from "./format.ts";
import { player } from "./player.ts";
import { color, onThemeChange, viridis } from "./theme.ts";

const SIZE = 640;

type Place = (x: number, y: number) => readonly [x: number, y: number];

/** A plane that is played: colour maps, a path that grows, marks. */
export function figure2d(figure: Figure2d): HTMLElement {
  const canvas = el("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": "Animated plane" });
  const caption = el("p", { class: "caption", "aria-live": "off" });
  const stage = el("div", { class: "stage plane" }, canvas, caption);
  const context = canvas.getContext("2d")!;
  const { x, y } = figure;
  const place: Place = (px, py) => [
    ((px - x.min) / (x.max - x.min)) * SIZE,
    (1 - (py - y.min) / (y.max - y.min)) * SIZE,
  ];
  const unit = SIZE / (x.max - x.min);
  const maps = new WeakMap<ColorMap, HTMLCanvasElement>();
  const mapOf = (map: ColorMap): HTMLCanvasElement => {
    const drawn = maps.get(map) ?? painted(map);
    maps.set(map, drawn);
    return drawn;
  };
  let redraw = (): void => {};
  const clips = figure.clips.map((clip) => ({ ...clip, length: clip.frames.length }));
  const element = player(stage, clips, (index, at) => {
    redraw = () => drawFrame(figure.clips[index]!, at);
    redraw();
  });
  onThemeChange(() => redraw());
  return element;

  function drawFrame(clip: Clip2d, at: number): void {
    const now = Math.floor(at);
    const { map, crosses, caption: said } = clip.frames[now]!;
    context.fillStyle = color("plane");
    context.fillRect(0, 0, SIZE, SIZE);
    const dark = map !== undefined;
    if (map !== undefined) {
      context.imageSmoothingQuality = "high";
      context.drawImage(mapOf(map), 0, 0, SIZE, SIZE);
    }
    for (const mark of clip.marks) drawMark(mark, dark);
    drawPath(clip.path, at, dark);
    for (const mark of crosses) drawCross(mark);
    caption.textContent = map === undefined ? said : `${said}; from ${number(map.low)} (bright) to ${number(map.high)}`;
  }

  function drawMark(mark: Clip2d["marks"][number], onMap: boolean): void {
    const [px, py] = place(mark.x, mark.y);
    const radius = mark.radius === undefined ? 5 : mark.radius * unit;
    context.beginPath();
    context.arc(px, py, radius, 0, 2 * Math.PI);
    context.fillStyle = onMap ? "#ffffff99" : `${color(`ink-${mark.ink}`)}33`;
    context.fill();
    context.lineWidth = 3;
    context.strokeStyle = color(`ink-${mark.ink}`);
    context.stroke();
    context.font = "600 20px system-ui, sans-serif";
    context.textBaseline = "middle";
    const beyond = px > SIZE - 90;
    context.textAlign = beyond ? "right" : "left";
    outlined(mark.label, px + (beyond ? -1 : 1) * (radius + 8), py, onMap);
  }

  function outlined(text: string, px: number, py: number, onMap: boolean): void {
    context.lineWidth = 4;
    context.strokeStyle = onMap ? "#0008" : color("plane");
    context.strokeText(text, px, py);
    context.fillStyle = onMap ? "#fff" : color("text");
    context.fillText(text, px, py);
  }

  /** Up to the frame `at`, between two points where it is between two frames. */
  function drawPath(path: readonly number[], at: number, onMap: boolean): void {
    const now = Math.floor(at);
    const last = path.length / 2 - 1;
    const point = (i: number) => [path[2 * Math.min(last, i)]!, path[2 * Math.min(last, i) + 1]!] as const;
    const [from, to] = [point(now), point(now + 1)];
    const here = place(from[0] + (to[0] - from[0]) * (at - now), from[1] + (to[1] - from[1]) * (at - now));
    context.beginPath();
    for (let i = 0; i <= Math.min(now, last); i++) context.lineTo(...place(...point(i)));
    context.lineTo(...here);
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = onMap ? "#fff" : color("ink-model");
    context.stroke();
    context.beginPath();
    context.arc(...here, 9, 0, 2 * Math.PI);
    context.fillStyle = color("ink-model");
    context.fill();
    context.strokeStyle = "#fff";
    context.stroke();
  }

  function drawCross({ x: mx, y: my, ink }: Mark): void {
    const [px, py] = place(mx, my);
    for (const [width, style] of [
      [8, "#fff"],
      [4, color(`ink-${ink satisfies Ink}`)],
    ] as const) {
      context.beginPath();
      context.moveTo(px - 9, py - 9);
      context.lineTo(px + 9, py + 9);
      context.moveTo(px + 9, py - 9);
      context.lineTo(px - 9, py + 9);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }
}

/** A pixel a value; low values are bright. */
function painted({ columns, rows, levels }: ColorMap): HTMLCanvasElement {
  const canvas = el("canvas", { width: columns, height: rows });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  const bytes = atob(levels);
  for (let i = 0; i < bytes.length; i++) {
    const row = rows - 1 - Math.floor(i / columns);
    image.data.set([...viridis(1 - bytes.charCodeAt(i) / 255), 255], 4 * (row * columns + (i % columns)));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
