/** All programmatic pairs of the corpus. */
import type { Case } from "./case.ts";
import { compressionCases } from "./cases/compression.ts";
import { documentCases } from "./cases/documents.ts";
import { environmentCases } from "./cases/environment.ts";
import { evidenceCases, sameCases } from "./cases/evidence.ts";
import { languageCases } from "./cases/languages.ts";
import { orderCases } from "./cases/order.ts";
import { ownerCases } from "./cases/owners.ts";
import { systemCases } from "./cases/system.ts";
import { timeCases } from "./cases/time.ts";

export const cases: readonly Case[] = [
  ...timeCases,
  ...orderCases,
  ...compressionCases,
  ...ownerCases,
  ...systemCases,
  ...languageCases,
  ...environmentCases,
  ...documentCases,
  ...evidenceCases,
  ...sameCases,
];
