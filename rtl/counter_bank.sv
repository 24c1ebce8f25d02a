// Event counters of one bus, kept in a small memory and brought up to date one a cycle.
//
// A packet takes at least three cycles and pulses at most three counters (sent, its answer, and
// what became of one that arrived), none of them twice in three cycles, so none is missed. A count
// is seen up to three cycles late. A counter wraps at 2^32; reset clears it.

`include "assertions.svh"

module counter_bank #(
  /// Counters, 1 to 16.
  parameter int unsigned Width = 10
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  /// One-cycle pulses.
  input  logic [Width-1:0] count_i,
  /// The counter to read, and its value.
  input  logic [3:0]       index_i,
  output logic [31:0]      value_o,
  output logic             idle_o
);

  logic [31:0]      value_q [16];  // valid where touched_q is set; else zero
  logic [15:0]      touched_q;
  logic [Width-1:0] waiting_q, turn;
  logic [3:0]       index;

  assign turn = waiting_q & (~waiting_q + Width'(1));

  always_comb begin
    index = '0;
    if (waiting_q != '0) begin
      for (int unsigned i = 0; i < Width; i++) if (turn[i]) index |= 4'(i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      waiting_q <= '0;
      touched_q <= '0;
    end else if ((waiting_q | count_i) != '0) begin
      waiting_q <= (waiting_q & ~turn) | count_i;
      if (waiting_q != '0) begin
        touched_q[index] <= 1'b1;
        value_q[index]   <= (touched_q[index] ? value_q[index] : '0) + 32'd1;
      end
    end
  end

  assign value_o = touched_q[index_i] ? value_q[index_i] : '0;
  assign idle_o  = waiting_q == '0;

  // Rules.
  `XYBUS_RULE(NoCountIsMissed, (waiting_q & ~turn & count_i) == '0)

endmodule
