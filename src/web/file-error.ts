import type { FailureCode } from '../core/errors.ts'

export type FileError = { code: FailureCode; message: string }
