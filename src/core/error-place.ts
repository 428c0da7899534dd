/**
 * What a log may say of an error: its name, its codes, and where in the code it happened. Its message may hold a
 * sender's words.
 */
export function placeOf(thrown: unknown) {
  const error = thrown instanceof Error ? thrown : new Error()
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { name: error.name, code, errcode, frames: frames.slice(0, 8).map((line) => line.trim()) }
}
