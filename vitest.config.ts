import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    isolate: false,
    // Only a test that hangs takes so long, however busy the machine is.
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
