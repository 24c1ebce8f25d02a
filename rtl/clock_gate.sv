// Clock gate: passes whole pulses of a clock, or none.
//
// The enable is taken at the falling edge before a pulse, by a flop and not a latch, and so has
// half a cycle to settle: the pulse of a rising edge passes when the enable was up in the cycle
// that ends there. The output never moves but with the clock.

module clock_gate #(
  /// 0: the clock always passes.
  parameter bit Enabled = 1'b1
) (
  input  logic clk_i,
  /// The next rising edge passes.
  input  logic enable_i,
  output logic clk_o
);

  if (Enabled) begin : gen_gate
    logic enable_q;
    always_ff @(negedge clk_i) enable_q <= enable_i;
    assign clk_o = clk_i && enable_q;
  end else begin : gen_bypass
    logic unused_enable;
    assign unused_enable = enable_i;
    assign clk_o = clk_i;
  end

endmodule
