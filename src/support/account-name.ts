import { userInfo } from 'node:os'

/** The name of the account that this process runs as; `uid-1000` where it has none, as in many containers. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.geteuid?.() ?? 'unknown'}`
  }
}
