/** Links that bear a key, and whose they are. */
export type SetUpLink = { email: string; link: string }

/** Shown this once, for nobody keeps them; a start that comes before anything else makes others. */
export function setUpLines(links: SetUpLink[]): string[] {
  if (links.length === 0) return []
  return [
    '',
    'Set up the desk. Each link is a key until a passphrase is set with it: it opens everything confidential that',
    'comes in. Nobody keeps it, and nothing else opens that. Whoever has it is in; if all are lost, so is what came in.',
    ...links.flatMap(({ email, link }) => ['', `${email}:`, `  ${link}`]),
  ]
}

/**
 * How to come in where something is encrypted already, and still nobody has set up: the links of earlier starts are the
 * keys to that.
 */
export function waysIn(editors: string[], isMailed: boolean): string[] {
  if (editors.length === 0)
    return [
      '',
      'Nobody can sign in at the desk, for there is no editor. This makes one:',
      '  npm run barua -- editor add EMAIL',
    ]
  return [
    '',
    `Nobody has set up the desk yet. The links for that were printed at earlier starts${isMailed ? ', and mailed' : ''}.`,
    'If they are lost, this makes a new one:',
    ...editors.map((email) => `  npm run barua -- editor reset ${email}`),
  ]
}
