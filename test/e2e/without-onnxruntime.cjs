// Loaded with --require: the program then runs as where onnxruntime-node is not installed.
const Module = require("node:module");

const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => {
  if (request.startsWith("onnxruntime-node")) throw new Error(`Cannot find module '${request}'`);
  return resolve(request, ...rest);
};
