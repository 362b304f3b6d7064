/** min(decay, (1 + t)/(10 + t)): short memory while the weights still move fast (TensorFlow's moving average). */
export const warmDecay = (decay: number, steps: number): number => Math.min(decay, (1 + steps) / (10 + steps));
