/**
 * Why a reply to an editor's mail was quarantined: it came from no address of theirs, there was nothing above the mark,
 * its first line was no command that we know, what it asked for could not be done, a file with it was not taken, it is
 * encrypted, a program may have sent it, it or a file of it tells an address or a name of ours that no sender should know,
 * it is not certain which of its words are to be sent, there are words below the mark too, or its editor stopped it.
 */
const quarantineReasons = [
  'not-theirs',
  'nothing-said',
  'no-such-command',
  'not-possible',
  'file-refused',
  'encrypted',
  'automatic',
  'tells-of-us',
  'file-tells-of-us',
  'unsure',
  'words-below',
  'stopped',
] as const

export type QuarantineReason = (typeof quarantineReasons)[number]
