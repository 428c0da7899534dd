/** A bar of a plot: one value for each series, stacked on one another. */
export type Bar = { label: string; values: number[] }

type Plot = {
  width: number
  height: number
  bars: { label: string; x: number; width: number; parts: { y: number; height: number; series: number }[] }[]
  /** Where the lines of the scale are, and what they stand for. */
  scale: { y: number; value: number }[]
}

const width = 600
const height = 180

/** Room above for the uppermost figure. */
const top = 14
const gap = 0.25

/** Where the bars of a plot stand, in units of its own: the view draws them, and the style sheet colours them. */
export function stackedBars(bars: Bar[]): Plot {
  const highest = Math.max(1, ...bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0)))
  const most = niceAbove(highest)
  const unit = (height - top) / most
  const step = width / bars.length
  return {
    width,
    height,
    bars: bars.map(({ label, values }, i) => ({
      label,
      x: round(i * step + (step * gap) / 2),
      width: round(step * (1 - gap)),
      parts: stacked(values, unit),
    })),
    scale: [most, most / 2]
      .filter(Number.isInteger)
      .map((value) => ({ y: round(height - value * unit), value })),
  }
}

function stacked(values: number[], unit: number) {
  let y = height
  return values.flatMap((value, series) => {
    const tall = value * unit
    y -= tall
    return value === 0 ? [] : [{ y: round(y), height: round(tall), series }]
  })
}

/** The next of 1, 2, 4, 10, 20, 40, 100 and so on. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 10].map((step) => step * power).find((one) => one >= value) ?? value
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
