import { type Css, cssOf } from './css.ts'

/** Longer sheets are no person's. */
const longest = 200_000
const mostRules = 5000

/** What the `style` elements of a mail say of classes, as programs write it: `.s1` and `span.s1`, and nothing finer. */
export class StyleSheet {
  readonly #rules = new Map<string, Css>()

  constructor(text: string) {
    let rules = 0
    for (const { selectors, declarations } of rulesIn(text.slice(0, longest))) {
      rules += 1
      if (rules > mostRules) return
      const css = cssOf(declarations)
      for (const selector of selectors.split(',')) this.#add(selector.trim().toLowerCase(), css)
    }
  }

  /** What an element looks like by its classes, and by its own `style`, which counts more. */
  of(element: { name: string; attribs: Record<string, string> }): Css {
    const own = cssOf(element.attribs.style)
    const given = element.attribs.class
    if (given === undefined || this.#rules.size === 0) return own
    const found = given
      .toLowerCase()
      .split(/\s+/, 20)
      .flatMap((name) => [this.#rules.get(`.${name}`), this.#rules.get(`${element.name}.${name}`)])
      .filter((css) => css !== undefined)
    return found.length === 0 ? own : new Map([...found, own].flatMap((css) => [...css]))
  }

  #add(selector: string, css: Css): void {
    if (!/^[a-z][\w-]*\.[\w-]+$|^\.[\w-]+$/.test(selector)) return
    this.#rules.set(selector, new Map([...(this.#rules.get(selector) ?? []), ...css]))
  }
}

/** Rules by themselves. Those within others are for other screens, or for printing. */
function* rulesIn(text: string): Generator<{ selectors: string; declarations: string }> {
  let depth = 0
  let begin = 0
  let selectors = ''
  for (const { 0: brace, index } of text.matchAll(/[{}]/g)) {
    if (brace === '{') {
      if (depth === 0) selectors = text.slice(begin, index).replace(/\/\*[^*]*\*\/|<!--|-->/g, '')
      depth += 1
    } else if (depth > 0) {
      depth -= 1
      if (depth === 0 && !selectors.includes('@')) yield { selectors, declarations: text.slice(begin, index) }
    }
    begin = index + 1
  }
}
