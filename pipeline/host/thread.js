/** The program of a thread (threads.ts). It loads what questions name, and nothing else, and is plain JavaScript, so that it starts quickly. */
import { parentPort } from "node:worker_threads";

/**
 * What answers a kind of question: a module's `answer`. Gives the answer, and what of it is moved and not copied.
 * @typedef {(content: any) => Promise<{ content: unknown, moved?: ArrayBuffer[] }> | { content: unknown, moved?: ArrayBuffer[] }} Answer
 */

/** @type {Map<string, Promise<{ answer: Answer }>>} */
const programs = new Map();

/** @param {{ number: number, program: string, content: unknown }} question */
async function serve({ number, program, content }) {
  try {
    const known = programs.get(program) ?? import(program);
    programs.set(program, known);
    const answer = await (await known).answer(content);
    parentPort?.postMessage({ number, content: answer.content }, answer.moved ?? []);
  } catch (error) {
    // What is known of an error of the system is lost otherwise.
    parentPort?.postMessage({ number, error, known: { .../** @type {object} */ (error) } });
  }
}

parentPort?.on("message", (question) => void serve(question));
