/** Tells everybody who listens that something at the desk has changed; what, they look up themselves. */
export type Changes = {
  changed(): void
  /** Gives a function that ends the listening. */
  listen(listener: () => void): () => void
}

export function createChanges(): Changes {
  const listeners = new Set<() => void>()
  return {
    changed() {
      for (const listener of listeners) listener()
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
