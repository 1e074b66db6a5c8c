/** Markdown in, safe HTML out: the routes, without a port. */
import fastify from "fastify";
import { Marked } from "marked";
import sanitize from "sanitize-html";

/** Bytes of the largest text that is taken. */
const limit = 1 << 20;

/** What may be in the answer: text, headings, lists, tables, code, images and links to web pages. */
const allowed = {
  allowedTags: [...sanitize.defaults.allowedTags, "img", "del", "input"],
  allowedAttributes: {
    a: ["href", "title"],
    img: ["src", "alt", "title"],
    code: ["class"],
    th: ["align"],
    td: ["align"],
    input: [{ name: "type", values: ["checkbox"] }, "checked", "disabled"],
  },
  allowedSchemes: ["https", "http", "mailto"],
};

/** HTML of a text in GitHub's flavour of Markdown; what could run in a browser is left out. */
function render(text) {
  const marked = new Marked({ gfm: true });
  return sanitize(marked.parse(text, { async: false }), allowed);
}

export function createService(options = {}) {
  const app = fastify({ bodyLimit: limit, ...options });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["text/markdown", "text/plain"], { parseAs: "string" }, (_request, body, done) => {
    done(null, body);
  });
  app.get("/healthz", async () => ({ status: "ok" }));
  app.post("/render", async (request, reply) => {
    reply.type("text/html; charset=utf-8");
    // Whoever opens the answer in a browser gets no script from it either.
    reply.header("content-security-policy", "default-src 'none'; img-src https: http:; sandbox");
    reply.header("x-content-type-options", "nosniff");
    return render(request.body ?? "");
  });
  return app;
}
