/** What a `style` attribute says, by property. Nothing else of CSS is read. */
export type Css = ReadonlyMap<string, string>

/** More is no person's, and would only cost looking for. */
const longest = 4000

const noCss: Css = new Map()

export function cssOf(style: string | undefined): Css {
  if (style === undefined) return noCss
  const found = new Map<string, string>()
  for (const declaration of style.slice(0, longest).split(';')) {
    const colon = declaration.indexOf(':')
    if (colon > 0)
      found.set(declaration.slice(0, colon).trim().toLowerCase(), valueIn(declaration.slice(colon + 1)))
  }
  return found
}

function valueIn(text: string): string {
  return text
    .replace(/!\s?important/i, '')
    .trim()
    .toLowerCase()
}

/** True for bold, false for not bold, undefined where nothing is said of it. */
export function isBold(css: Css): boolean | undefined {
  const weight = css.get('font-weight')
  if (weight === undefined) return undefined
  return /^(?:bold|bolder)$/.test(weight) || Number.parseInt(weight, 10) >= 600
}

export function isItalic(css: Css): boolean | undefined {
  const style = css.get('font-style')
  return style === undefined ? undefined : /^(?:italic|oblique)/.test(style)
}

export function isLineThrough(css: Css): boolean {
  return /line-through/.test(`${css.get('text-decoration') ?? ''} ${css.get('text-decoration-line') ?? ''}`)
}

/** Whoever wrote it, and whoever reads the mail, does not see it. */
export function isHidden(css: Css): boolean {
  return css.get('display') === 'none' || css.get('visibility') === 'hidden' || css.get('mso-hide') === 'all'
}
