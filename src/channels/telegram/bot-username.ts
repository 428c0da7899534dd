import { breakingOff, type GetApi } from './client.ts'

/** The bot's user name, as it stands in links to it. It is asked for in the background, and not known at first. */
export function botName(getApi: GetApi) {
  let name: string | undefined
  return {
    known: (): string | undefined => name,
    /** Asks Telegram, unless it is known. Says nothing of a failure: it is asked again. */
    async learn(signal: AbortSignal): Promise<void> {
      if (name !== undefined) return
      name = await getApi()
        .then(
          async (api) => (await api.getMe(breakingOff(signal))).username,
          () => undefined,
        )
        .catch(() => undefined)
    },
  }
}
