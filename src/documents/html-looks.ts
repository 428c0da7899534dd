import type { Style } from '../submissions/formatted-text.ts'
import type { Setting } from './block-builder.ts'
import { type Css, isBold, isItalic, isLineThrough } from './css.ts'
import { addressOf } from './look.ts'
import type { Element } from './markup.ts'
import type { Shift } from './shifted.ts'
import { symbolFontOf } from './symbols.ts'

/** How the characters of an element look. */
export type Looks = {
  style: Style
  /** The font whose letters are pictures. */
  font: string | undefined
  blanks: Setting['blanks']
}

const speaking = /^(?:a|b|strong|i|em|cite|s|strike|del|font|pre|xmp|listing|plaintext|textarea)$/

/** The looks of an element: what its name and its style say, and otherwise those around it. */
export function looksOf({ name, attribs }: Element, css: Css, around: Looks): Looks {
  if (css.size === 0 && !speaking.test(name)) return around
  const { style, font, blanks } = around
  const family = css.get('font-family') ?? attribs.face
  return {
    style: {
      ...look('isStrong', isBold(css) ?? (style.isStrong || name === 'b' || name === 'strong')),
      ...look('isEmphasis', isItalic(css) ?? (style.isEmphasis || /^(?:i|em|cite)$/.test(name))),
      ...look('isStruck', style.isStruck || /^(?:s|strike|del)$/.test(name) || isLineThrough(css)),
      ...linkOf(name === 'a' ? attribs.href : undefined, style),
    },
    font: family === undefined ? font : symbolFontOf(family),
    blanks: blanksOf(name, css.get('white-space')) ?? blanks,
  }
}

/** Whether an element is above or below the line. */
export function shiftIn({ name }: Element, css: Css): Shift | undefined {
  const align = css.get('vertical-align')
  if (name === 'sup' || align === 'super') return 'raised'
  return name === 'sub' || align === 'sub' ? 'lowered' : undefined
}

function look(name: 'isStrong' | 'isEmphasis' | 'isStruck', isSo: boolean | undefined): Style {
  return isSo ? { [name]: true } : {}
}

function linkOf(address: string | undefined, { href }: Style): Style {
  const leads = addressOf(address) ?? href
  return leads === undefined ? {} : { href: leads }
}

function blanksOf(name: string, whiteSpace: string | undefined): Setting['blanks'] | undefined {
  if (whiteSpace !== undefined) return /^(?:pre|break-spaces)/.test(whiteSpace) ? 'kept' : 'collapsed'
  if (name === 'textarea') return 'kept'
  return /^(?:pre|xmp|listing|plaintext)$/.test(name) ? 'preformatted' : undefined
}
