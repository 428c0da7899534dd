/**
 * Loads with the first call; everybody who calls is given the same. A load that failed is forgotten: whoever waited for it
 * gets the error, and the next call loads again.
 */
export function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    if (!loading) {
      const begun = load()
      loading = begun
      begun.catch(() => {
        loading = undefined
      })
    }
    return loading
  }
}
