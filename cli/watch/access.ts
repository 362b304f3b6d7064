import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Who may see the page: anyone on this machine, or anyone who knows the token. */
export type Access = { readonly token: null; readonly port: number } | { readonly token: string };

/** Why a request is refused; null where it is not. */
export function refusal(access: Access, { method, headers }: IncomingMessage, url: URL): string | null {
  if (method !== "GET" && method !== "HEAD") return "Only GET is served here.";
  if (access.token !== null) {
    const given = url.searchParams.get("token") ?? "";
    return isEqual(given, access.token)
      ? null
      : "The token in the address is missing or wrong: open the address mf watch printed.";
  }
  // A page elsewhere may let its name point here (DNS rebinding); its requests then carry that name.
  const own = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${access.port}`);
  return own.includes(headers.host ?? "") ? null : "This page is served to this machine under its own names only.";
}

/** In a time that does not tell how much of it is right. */
function isEqual(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(x, y);
}
