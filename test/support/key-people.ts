/** Whoever holds keys in the tests that move them, and by which words. */
export const admin = 'admin@newsroom.test'
export const colleague = 'colleague@newsroom.test'
export const invited = 'invited@newsroom.test'
export const passphrases = { old: 'the words that I had first', next: 'the words that I chose then' }
