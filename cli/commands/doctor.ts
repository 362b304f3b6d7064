import { addCommand, type Declare } from "../command.ts";
import { table } from "../output.ts";

export const declareDoctor: Declare = (program, { output }) => {
  addCommand(program, "doctor", "check what this machine can train on, and how fast", ["mf doctor"]).action(
    async () => {
      const { environment, probeBackends } = await import("../../core/engine/probe.ts");
      const { probeRuntime } = await import("../../core/graph/runtime/probe.ts");
      const about = environment();
      const backends = [...(await probeBackends()), ...(await probeRuntime())];
      output.emit({ environment: about, backends }, () => {
        const advice = backends.flatMap(({ name, advice }) => (advice === null ? [] : [`${name}: ${advice}`]));
        return [
          `MotionForge ${about.motionforge}, Node ${about.node}, TensorFlow.js ${about.tfjs}`,
          `${about.cpu}, ${about.cores} cores, ${about.memory_gib} GiB, ${about.platform} ${about.arch}`,
          "",
          table(
            ["backend", "forward GFLOP/s", "backward GFLOP/s", ""],
            backends.map((b) => [b.name, b.forward_gflops, b.backward_gflops, b.description]),
          ),
          ...(advice.length === 0 ? [] : ["", "For more speed:", ...advice.map((line) => `  ${line}`)]),
        ].join("\n");
      });
    },
  );
};
