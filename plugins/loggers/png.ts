/** A picture as a PNG file. */
export interface Png {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export type Rasterize = (svg: string) => Promise<Png>;

/** What stands for `sans-serif`; the package itself takes any font where there is no Arial. */
const sansSerifFamily = process.platform === "linux" ? "DejaVu Sans" : "Arial";

/** Draws SVG with @resvg/resvg-js, off the main thread; null where that package is not installed. */
export async function loadRasterizer(): Promise<Rasterize | null> {
  const resvg = await import("@resvg/resvg-js").catch(() => null);
  if (resvg === null) return null;
  return async (svg) => {
    const image = await resvg.renderAsync(svg, { font: { sansSerifFamily } });
    return { png: image.asPng(), width: image.width, height: image.height };
  };
}
