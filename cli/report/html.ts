import type { Bundle } from "./bundle.ts";
import type { PageData } from "./page-data.ts";

/** The page as one document, which needs nothing else. It may ask only the server it came from. */
export function pageHtml(data: PageData, { script, style }: Bundle): string {
  const policy = `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src ${data.live ? "'self'" : "'none'"}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>MotionForge</title>
<link rel="icon" href="data:,">
<style>${style.replaceAll("</style", "<\\/style")}</style>
</head>
<body>
<script type="application/json" id="data">${inScript(JSON.stringify(data))}</script>
<script>${script.replaceAll("</script", "<\\/script")}</script>
</body>
</html>
`;
}

/** JSON that no HTML parser sees a tag in, whatever texts a run has. */
const inScript = (json: string): string => json.replaceAll("<", "\\u003c");
