import { Eta } from 'eta'

type MailData = Record<string, unknown> & { replyNote?: string | undefined }

/**
 * Renders `mail/NAME.txt` unescaped and `mail/NAME.html` escaped. What is to be said about replying (`replyNote`) stands at
 * the end of both.
 */
export function mailRenderer(views: string, frame: Record<string, unknown>) {
  const asText = new Eta({
    views,
    cache: true,
    autoEscape: false,
    autoTrim: [false, 'nl'],
    defaultExtension: '.txt.eta',
  })
  const asHtml = new Eta({ views, cache: true, autoTrim: [false, 'nl'], defaultExtension: '.html.eta' })
  return (name: string, data: MailData) => ({
    text: [asText.render(`mail/${name}`, { ...frame, ...data }).trim(), data.replyNote ?? []]
      .flat()
      .join('\n\n'),
    html: asHtml.render(`mail/${name}`, { ...frame, ...data }),
  })
}
