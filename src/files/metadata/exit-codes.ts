/** How the processes that clean end where they give no copy; `sandbox/exit_codes.py` has the same numbers. */
export const endings = { unreadable: 10, 'not-cleanable': 11, 'too-large': 12 } as const
