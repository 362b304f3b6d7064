import { existsSync } from "node:fs";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";

const path = [
  process.env["TEST_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((file) => file !== undefined && existsSync(file));

export const hasChromium = path !== undefined;
/** For the titles of tests that are skipped without it. */
export const whyNot = hasChromium ? "" : " (skipped: no Chromium; apt install chromium, or set TEST_CHROMIUM)";

/** A headless browser that draws WebGL in software and asks the network for nothing of its own. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: path!,
    args: [
      "--no-sandbox",
      "--use-gl=angle",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--disable-background-networking",
      "--disable-component-update",
    ],
  });

/** What a page complains about while it is open; answers that were not to be had are left out with `offline`. */
export function complaintsOf(page: Page, { offline = false } = {}): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const isLost = offline && message.text().includes("net::ERR_");
    if (["error", "warning"].includes(message.type()) && !isLost) complaints.push(message.text());
  });
  return complaints;
}

/** In the page, where these tests' types do not reach. */
const countColors = `async (data) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { buffer } = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
  return new Set(new Uint32Array(buffer)).size;
}`;

/** How many colours an element has, as it is seen. */
export async function colorCount(page: Page, element: Locator): Promise<number> {
  const png = (await element.screenshot()).toString("base64");
  return page.evaluate<number>(`(${countColors})("${png}")`);
}
