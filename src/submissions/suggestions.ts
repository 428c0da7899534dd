/** What is offered where a sender may write anything. */
export const categories = [
  'Politics',
  'Economy',
  'Society',
  'Health',
  'Environment',
  'Culture',
  'Sport',
  'World',
]

export const writtenLanguages = [
  'English',
  'Kiswahili',
  'Français',
  'العربية',
  'Português',
  'Español',
  'Af-Soomaali',
  'አማርኛ',
]
