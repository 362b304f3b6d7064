export { useBackend } from "../engine/backend.ts";
export { type Bench, type BenchOptions, createBench, type Saved } from "./bench.ts";
export { type ContractCheck, type ContractOptions, contractChecks } from "./contract.ts";
export { type Recording, record } from "./record.ts";
export { toyTask } from "./toy-task.ts";
