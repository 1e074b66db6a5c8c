#!/usr/bin/env node
console.log("example");
