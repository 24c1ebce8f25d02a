// Interrupt coalescing: raises the interrupt when enough events wait, or one has waited long.
//
// Once up it stays up until no event waits. An event waits from the cycle in which it is counted in
// the tail; the timer runs from the first that waits, so that when the CPU consumes some only, the
// others are told of early rather than late. It runs only while it matters: not when
// interrupts are off, nor when the interrupt is up.

`include "assertions.svh"

module interrupt_timer
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic            clk_i,
  /// Low also while the engine is disabled.
  input  logic            rst_ni,
  /// Interrupts are on.
  input  logic            enable_i,
  input  coalescing_reg_t coalescing_i,
  /// Events produced, and consumed by the CPU.
  input  index_t          tail_i,
  input  index_t          head_i,
  output logic            irq_o,
  output logic            busy_o,
  output logic            idle_o
);

  logic        raised_q;
  logic [15:0] age_q;  // cycles that an event has waited

  index_t events;
  logic   waiting, raise;
  assign events  = tail_i - head_i;
  assign waiting = events != '0;
  assign raise   = enable_i && waiting && !raised_q &&
                   ((events >= coalescing_i.count) || (age_q >= coalescing_i.age));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      raised_q <= 1'b0;
      age_q    <= '0;
    end else if (busy_o) begin
      if (!waiting) raised_q <= 1'b0;
      else if (raise) raised_q <= 1'b1;
      if (!waiting || raise) age_q <= '0;
      else age_q <= age_q + 16'd1;
    end
  end

  assign irq_o  = raise || (enable_i && raised_q && waiting);
  assign busy_o = waiting ? enable_i && !raised_q : raised_q || (age_q != '0);
  assign idle_o = !busy_o;

  // Rules.
  `XYBUS_RULE(IrqNeedsEvent, !irq_o || waiting)
  `XYBUS_RULE(NoEventWaitsLonger, !(enable_i && waiting && (age_q > coalescing_i.age)) || irq_o)

endmodule
