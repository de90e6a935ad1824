import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemPage } from './page/problem-page.ts'
import { sendPage } from './page/send-page.ts'
import { signInPage } from './page/sign-in-page.ts'
import { type Problem, sendReply } from './problem.ts'
import type { Refusal } from './refusals.ts'

/** Whether a person looks at the answer: a browser names HTML only for what it is to show. */
export function isNavigation({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '')
}

/** A problem as who asks can read it: as a page, or as problem JSON. */
export function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (!isNavigation(reply.request)) return sendReply(reply, problem)
  const { status } = problem
  const page = status === 401 || status === 429 ? signInPage(problem) : problemPage(problem)
  return sendPage(reply.code(status), page)
}

export function refuse(reply: FastifyReply, { problem, headers = {} }: Refusal): FastifyReply {
  return answerProblem(reply.headers(headers), problem)
}
