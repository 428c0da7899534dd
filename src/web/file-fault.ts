import type { FailureCode } from '../core/errors.ts'

export type FileFault = { code: FailureCode; message: string }
