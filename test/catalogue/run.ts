/** `npm run catalogue`: writes docs/catalogue.md anew. */
import { writeFileSync } from "node:fs";
import { catalogueFile, cataloguePage } from "./page.ts";

writeFileSync(catalogueFile, cataloguePage());
