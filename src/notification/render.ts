import { Eta } from 'eta'

/** Renders `mail/NAME.txt` unescaped and `mail/NAME.html` escaped. */
export function mailRenderer(views: string, frame: Record<string, unknown>) {
  const asText = new Eta({
    views,
    cache: true,
    autoEscape: false,
    autoTrim: [false, 'nl'],
    defaultExtension: '.txt.eta',
  })
  const asHtml = new Eta({ views, cache: true, autoTrim: [false, 'nl'], defaultExtension: '.html.eta' })
  return (name: string, data: Record<string, unknown>) => ({
    text: asText.render(`mail/${name}`, { ...frame, ...data }).trim(),
    html: asHtml.render(`mail/${name}`, { ...frame, ...data }),
  })
}
