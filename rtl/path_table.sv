// Path state of one bus: which destinations this node has given up reaching on it.
//
// A lane marks a path down; the CPU raises it again by writing ones.

module path_table #(
  parameter int unsigned NumNodes = 4
) (
  input  logic                clk_i,
  /// Low also while the engine is disabled: all paths are up.
  input  logic                rst_ni,
  input  logic [NumNodes-1:0] failed_i,
  input  logic [NumNodes-1:0] raise_i,
  output logic [NumNodes-1:0] down_o
);

  logic [NumNodes-1:0] down_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) down_q <= '0;
    else if ((failed_i | raise_i) != '0) down_q <= (down_q & ~raise_i) | failed_i;
  end

  assign down_o = down_q;

endmodule
