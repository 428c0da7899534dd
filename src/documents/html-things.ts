import { cssOf } from './css.ts'
import { equation } from './equation.ts'
import { type HtmlHandler, wordsIn } from './html-reader.ts'
import { charactersIn, childrenOf, descendants, elementsIn } from './markup.ts'
import { named } from './named.ts'

const picture: HtmlHandler = ({ attribs }, scope, reader) => {
  const css = cssOf(attribs.style)
  const sizes = [attribs.width, attribs.height, css.get('width'), css.get('height')]
  // What is smaller than a letter shows nothing: it counts readers, or keeps others apart.
  if (sizes.some((size) => Number.parseFloat(size ?? '') <= 2)) return
  const alternative = attribs.alt?.trim() || attribs.title
  reader.say(alternative && isEmoji(alternative) ? alternative : named('picture', alternative), scope)
}

/** Programs send emoji as pictures of them. */
function isEmoji(text: string): boolean {
  return /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(text) && !/[\p{L}\s]/u.test(text)
}

const drawing: HtmlHandler = (element, scope, reader) => {
  const [title] = descendants([element], 'title', 'desc')
  reader.say(named('picture', title && charactersIn([title])), scope)
}

function embedded(thing: string): HtmlHandler {
  return (element, scope, reader) => {
    const { title, 'aria-label': label, src, data } = element.attribs
    const [source] = descendants(childrenOf(element), 'source')
    reader.say(named(thing, title ?? label, onTheWeb(src ?? data ?? source?.attribs.src)), scope)
  }
}

function onTheWeb(address: string | undefined): string | undefined {
  return address !== undefined && /^https?:/i.test(address.trim()) ? address.trim() : undefined
}

/** What stands in it is for whoever cannot show it. */
const object: HtmlHandler = (element, scope, reader) => {
  const hasOther = elementsIn(element).some(({ name }) => name !== 'param') || /\S/.test(wordsIn(element))
  if (hasOther) reader.within(element, scope)
  else embedded('object')(element, scope, reader)
}

/** What was entered into a form. */
const input: HtmlHandler = ({ attribs }, scope, reader) => {
  const { type = 'text', value = '', alt } = attribs
  switch (type.toLowerCase()) {
    case 'hidden':
    case 'password':
    case 'file':
      return
    case 'checkbox':
    case 'radio':
      return reader.say('checked' in attribs ? '[x]' : '[ ]', scope)
    case 'image':
      return reader.say(named('picture', alt), scope)
    default:
      return reader.say(value, scope)
  }
}

const choice: HtmlHandler = (element, scope, reader) => {
  const options = [...descendants(childrenOf(element), 'option')]
  const chosen = options.filter(({ attribs }) => 'selected' in attribs)
  // A list that drops down shows its first line.
  const shown = chosen.length > 0 || 'multiple' in element.attribs ? chosen : options.slice(0, 1)
  reader.say(shown.map((option) => charactersIn([option]).trim()).join(', '), scope)
}

/** What is no text, or is text only as it stands at the moment. */
export const things: [name: string, handler: HtmlHandler][] = [
  ['img', picture],
  ['svg', drawing],
  ['math', (element, scope, reader) => reader.say(equation(element), scope)],
  ['iframe', embedded('frame')],
  ['frame', embedded('frame')],
  ['embed', embedded('embedded file')],
  ['audio', embedded('audio')],
  ['video', embedded('video')],
  ['canvas', embedded('drawing')],
  ['object', object],
  ['input', input],
  ['select', choice],
]
