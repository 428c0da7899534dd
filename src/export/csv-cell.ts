// What spreadsheets calculate begins with one of these; also in the wide and small forms that East Asian keyboards give.
const calculated = '=+@\\-＝＋－＠﹦﹢﹣﹫'
// They pass over these before it. An apostrophe is not among them: behind one, all is text.
const passedOver = '[\\s"\\p{Cc}\\p{Default_Ignorable_Code_Point}]*'
// A cell that is read with another separator than it was written with begins anew behind any of these.
const beginning = '(?:^|[;\\t\\r\\n\\v\\f\\u0085\\u2028\\u2029])'
const formulas = new RegExp(`(?<=${beginning}${passedOver})[${calculated}]`, 'gu')

/**
 * A text as a cell of a CSV file, where no spreadsheet takes any part of it for a formula
 * (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe stands before what would begin one, at the
 * beginning and wherever the cell would be split by a semicolon, a tab or a line end. Everything else stays as it is.
 */
export function cellOf(text: string): string {
  return text.replaceAll('\0', '').replace(formulas, "'$&")
}
