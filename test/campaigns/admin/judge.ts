import { z } from 'zod'
import { problemView } from '../../../src/admin/problem-view.ts'

/** As `/openapi.json` has it, and not a field more. */
const documented = z.strictObject(problemView.shape)

/** What is wrong with an answer, whatever was asked; empty when nothing is. */
export function judge(answer: Buffer, { acts }: { readonly acts: boolean }): readonly string[] {
  const text = answer.toString('latin1')
  const wrong: string[] = []
  for (const match of text.matchAll(/HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/g)) {
    const [whole, code = '', head = ''] = match
    const status = Number(code)
    if (status < 400) continue
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0)
    if (length === 0) {
      wrong.push(`${status} without a word`)
      continue
    }
    if (!/^content-type: application\/problem\+json/im.test(head)) {
      wrong.push(`${status} is no problem JSON`)
    }
    const start = match.index + whole.length
    const problem = parse(text.slice(start, start + length))
    if (problem) wrong.push(...judgeProblem(status, problem, acts))
  }
  return wrong
}

interface Problem {
  readonly status?: unknown
  readonly detail?: unknown
  readonly id?: unknown
}

function judgeProblem(status: number, problem: Problem, acts: boolean): string[] {
  const { status: told, detail, id } = problem
  const isWhole = told === status && documented.safeParse(problem).success
  if (!isWhole) return [`the problem of a ${status} is not what is documented`]
  // An action may fail for a reason that it tells; what nobody expected has an id.
  if (id !== undefined) return [`${status}, an unexpected error`]
  const expected = status === 503 || (acts && status === 500)
  return status >= 500 && !expected ? [`${status}: ${String(detail)}`] : []
}

/** Undefined for what was cut off, and after HEAD. */
function parse(body: string): Problem | undefined {
  try {
    return JSON.parse(body) as Problem
  } catch {
    return undefined
  }
}
