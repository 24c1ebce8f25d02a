// The paths of one bus: what this node thinks of each destination's.
//
// Failed attempts give a path points; an answer that shows that the destination has understood
// takes them away. With so many points a path is suspect, with so many it goes down, and stays
// down until the CPU restores it. Limits are looked at when an attempt fails.

`include "assertions.svh"

module path_table
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic             clk_i,
  /// Low also while the engine is disabled: all paths are up, nothing has failed.
  input  logic             rst_ni,
  input  path_limits_reg_t limits_i,
  /// What an attempt has shown of its destinations, for one cycle: they have understood it, have
  /// not answered, have found it corrupt.
  input  nodes_t           good_i,
  input  nodes_t           missing_i,
  input  nodes_t           corrupt_i,
  /// The CPU restores paths; this goes before what an attempt has shown.
  input  nodes_t           restore_i,
  /// Paths that are suspect; that are down.
  output nodes_t           suspect_o,
  output nodes_t           down_o,
  /// Failures and points of one path, as path_x_reg_t.
  input  logic [3:0]       index_i,
  output word_t            entry_o
);

  // Packed: of an array, a simulator would look in every cycle whether each element was written.
  logic [NumNodes-1:0][7:0]  points_q, after;  // now, and after a failed attempt
  logic [NumNodes-1:0][15:0] failures_q;
  logic [NumNodes-1:0] pointed_q, failed_q;  // their values count; else they are 0
  logic [NumNodes-1:0] suspect_q, down_q;

  nodes_t bad;
  assign bad = missing_i | corrupt_i;

  // Points of a missing and of a corrupt answer, at least one.
  logic [7:0] missing_points, corrupt_points;
  assign missing_points = (limits_i.missing == '0) ? 8'd1 : limits_i.missing;
  assign corrupt_points = (limits_i.corrupt == '0) ? 8'd1 : limits_i.corrupt;

  function automatic logic [7:0] add(input logic [7:0] points, input logic [7:0] more);
    logic [8:0] sum;
    sum = 9'(points) + 9'(more);
    return sum[8] ? 8'd255 : sum[7:0];
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pointed_q <= '0;
      failed_q  <= '0;
      suspect_q <= '0;
      down_q    <= '0;
    end else if ((good_i | bad | restore_i) != '0) begin
      for (int unsigned d = 0; d < NumNodes; d++) begin
        if (bad[d]) begin
          failed_q[d]   <= 1'b1;
          failures_q[d] <= !failed_q[d] ? 16'd1 :
                           (failures_q[d] == 16'hffff) ? 16'hffff : failures_q[d] + 16'd1;
        end
        if (good_i[d] || restore_i[d]) begin
          pointed_q[d] <= 1'b0;
          suspect_q[d] <= 1'b0;
          if (restore_i[d]) down_q[d] <= 1'b0;
        end else if (bad[d]) begin
          pointed_q[d] <= 1'b1;
          points_q[d]  <= after[d];
          suspect_q[d] <= after[d] >= limits_i.suspect;
          if (after[d] >= limits_i.down) down_q[d] <= 1'b1;
        end
      end
    end
  end

  always_comb begin
    after = '0;
    if (bad != '0) begin
      for (int unsigned d = 0; d < NumNodes; d++) begin
        after[d] = add(pointed_q[d] ? points_q[d] : '0,
                       missing_i[d] ? missing_points : corrupt_points);
      end
    end
  end

  assign suspect_o = nodes_t'(suspect_q) & ~nodes_t'(down_q);
  assign down_o    = nodes_t'(down_q);

  // Indices beyond the last node read as 0.
  path_x_reg_t entry;
  logic [$clog2(NumNodes)-1:0] index;
  assign index = index_i[$clog2(NumNodes)-1:0];
  always_comb begin
    entry = '0;
    if (32'(index_i) < NumNodes) begin
      if (failed_q[index])  entry.failures = failures_q[index];
      if (pointed_q[index]) entry.points   = points_q[index];
    end
  end
  assign entry_o = entry;

  // Rules.
  `XYBUS_RULE(ResultIsOne, ((good_i & bad) | (missing_i & corrupt_i)) == '0)
  `XYBUS_RULE(ResultsAreOfNodes, ((good_i | bad) >> NumNodes) == '0)
  `XYBUS_RULE(PointsMeanFailures, (pointed_q & ~failed_q) == '0)
  `XYBUS_RULE(SuspectHasPoints, (suspect_q & ~pointed_q) == '0)
  `XYBUS_RULE(DownHasFailed, (down_q & ~failed_q) == '0)

endmodule
