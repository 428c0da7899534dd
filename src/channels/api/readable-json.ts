import { Failure } from '../../core/errors.ts'

/** A submission has some dozens of values, in three layers; files are text within one of them. */
const most = { values: 5000, layers: 32 }

const signs = { quote: 0x22, comma: 0x2c, backslash: 0x5c }
const brackets = { open: 0x5b, close: 0x5d }
const braces = { open: 0x7b, close: 0x7d }

/**
 * Reads JSON (RFC 8259) of a shape that a submission can have. How many values it has, and in how many layers, is counted
 * before it is read: each costs memory and time, however few letters it has.
 * @throws Failure `invalid`
 */
export function readableJson(bytes: Buffer): unknown {
  if (isTooMuch(bytes)) throw new Failure('invalid', 'This JSON has too many values, or too many layers.')
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new Failure('invalid', 'This is no JSON that can be read.')
  }
}

function isTooMuch(bytes: Buffer): boolean {
  let values = 1
  let layers = 0
  let isText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (isText) {
      if (byte === signs.backslash) at += 1
      else if (byte === signs.quote) isText = false
    } else if (byte === signs.quote) isText = true
    else if (byte === signs.comma) values += 1
    else if (byte === brackets.close || byte === braces.close) layers -= 1
    else if (byte === brackets.open || byte === braces.open) {
      layers += 1
      values += 1
    }
    if (values > most.values || layers > most.layers) return true
  }
  return false
}
