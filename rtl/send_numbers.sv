// Sequence numbers: of each flow (class and destination) the number of the last packet that has
// arrived, or may have. See send_scheduler.
//
// A flow may be asked for in the very cycle in which a lane reports its packet.

`include "assertions.svh"

module send_numbers
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  /// Reports of the lanes, by bus: class, destinations and number of a packet.
  input  logic [1:0]  class_i,
  input  nodes_t      settled_i [2],
  input  logic [15:0] number_i  [2],
  /// The next number of the flow of each packet; of the first one if it has several destinations.
  input  logic [3:0]  valid_i,
  input  logic [3:0]  offer_class_i,
  input  nodes_t      destinations_i [4],
  output logic [15:0] number_o [4],
  /// Whether a candidate may be the number of a packet to several destinations.
  input  logic        check_i,
  input  logic        check_class_i,
  input  nodes_t      check_destinations_i,
  input  logic [15:0] candidate_i,
  output logic        clash_o
);

  // By class and destination. Packed: of an array, a simulator would look in every cycle whether
  // each element was written.
  logic [2*NumNodes-1:0][15:0] last_q;
  logic [2*NumNodes-1:0]       known_q;  // flows that have one

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      known_q <= '0;
    end else begin
      for (int unsigned b = 0; b < 2; b++) begin
        if (settled_i[b] != '0) begin
          for (int unsigned d = 0; d < NumNodes; d++) begin
            if (settled_i[b][d]) begin
              known_q[32'(class_i[b]) * NumNodes + d] <= 1'b1;
              last_q[32'(class_i[b]) * NumNodes + d]  <= number_i[b];
            end
          end
        end
      end
    end
  end

  always_comb begin
    for (int unsigned s = 0; s < 4; s++) begin
      number_o[s] = '0;
      if (valid_i[s]) begin
        for (int unsigned d = NumNodes; d > 0; d--) begin
          if (destinations_i[s][d-1]) begin
            number_o[s] = known_q[32'(offer_class_i[s]) * NumNodes + d - 1]
                        ? last_q[32'(offer_class_i[s]) * NumNodes + d - 1] + 16'd1 : 16'd0;
          end
        end
        for (int unsigned b = 0; b < 2; b++) begin
          if ((class_i[b] == offer_class_i[s]) && ((settled_i[b] & destinations_i[s]) != '0)) begin
            number_o[s] = number_i[b] + 16'd1;
          end
        end
      end
    end
  end

  // The candidate is one of the 1,024 numbers up to the last one of a flow.
  function automatic logic near(input logic [15:0] last, input logic [15:0] candidate);
    return (last - candidate) < 16'd1024;
  endfunction

  always_comb begin
    clash_o = 1'b0;
    if (check_i) begin
      for (int unsigned d = 0; d < NumNodes; d++) begin
        if (check_destinations_i[d] && known_q[32'(check_class_i) * NumNodes + d] &&
            near(last_q[32'(check_class_i) * NumNodes + d], candidate_i)) clash_o = 1'b1;
      end
      for (int unsigned b = 0; b < 2; b++) begin
        if ((class_i[b] == check_class_i) && ((settled_i[b] & check_destinations_i) != '0) &&
            near(number_i[b], candidate_i)) clash_o = 1'b1;
      end
    end
  end

  logic same;
  assign same = (class_i[0] == class_i[1]) && ((settled_i[0] & settled_i[1]) != '0);

  nodes_t settled_any;
  assign settled_any = settled_i[0] | settled_i[1];

  // Rules.
  `XYBUS_RULE(FlowIsSettledOnce, !same)
  `XYBUS_RULE(SettledIsOfNodes, (settled_any >> NumNodes) == '0)

endmodule
