import { z } from 'zod'
import { isVisible } from '../core/visible-text.ts'

/** A tag: a few words in small letters. */
export const Tag = z
  .string()
  .transform((text) => text.normalize('NFC').trim().toLowerCase().replace(/\s+/g, ' '))
  .pipe(
    z
      .string()
      // Joiners, which some scripts need within a word, are the only letters in it that are not seen.
      .regex(
        /^[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Join_Control} .&'’_-]{0,39}$/u,
        'A tag has 1 to 40 letters or digits.',
      )
      .refine(isVisible, 'A tag has 1 to 40 letters or digits.'),
  )
