/** Links that bear a key, and whose they are. */
export type SetUpLink = { email: string; link: string }

/** Shown this once, for nobody keeps them. */
export function setUpLines(links: SetUpLink[]): string[] {
  if (links.length === 0) return []
  return [
    '',
    'Set up the desk. Each link is a key until it is used: it opens everything confidential that comes in.',
    'Nobody keeps it, and nothing else opens that. Whoever has it is in; if all are lost, so is what came in.',
    ...links.flatMap(({ email, link }) => ['', `${email}, once:`, `  ${link}`]),
  ]
}
