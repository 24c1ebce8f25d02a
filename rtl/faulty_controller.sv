// Fault points in front of a bus controller: a controller that fails.
//
//   dead    it hears no request: a packet under way ends, and nothing is granted behind it.
//   slow    it leaves so many cycles between two packets.
//   double  with each packet it grants a second lane, one cycle late: the lowest of those that ask.
//           Both drive, and the wires are the OR of their beats and of their last-beat marks. Who
//           is still sending when the bus is taken away finds its packet broken off.
//
// With all of them off it is nothing but wires: grants and beats pass in the same cycle.

`include "assertions.svh"

module faulty_controller #(
  /// Nodes on the bus, 2 to 16.
  parameter int unsigned NumNodes  = 4,
  /// Bits of a beat, 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// The faults; slow_i is a number of cycles.
  input  logic                 dead_i,
  input  logic [7:0]           slow_i,
  input  logic                 double_i,
  /// The nodes' side; see bus_controller.
  input  logic [NumNodes-1:0]  request_control_i,
  input  logic [NumNodes-1:0]  request_data_i,
  input  logic [NumNodes-1:0]  valid_i,
  input  logic [NumNodes-1:0]  last_i,
  input  logic [DataWidth-1:0] data_i [NumNodes],
  output logic [NumNodes-1:0]  grant_o,
  /// The controller's side.
  output logic [NumNodes-1:0]  request_control_o,
  output logic [NumNodes-1:0]  request_data_o,
  output logic [NumNodes-1:0]  valid_o,
  output logic [NumNodes-1:0]  last_o,
  /// What the second lane adds to the data on the wires; zero when there is none.
  output logic [DataWidth-1:0] data_o,
  input  logic [NumNodes-1:0]  grant_i,
  /// The beat is that of two lanes.
  output logic                 collision_o,
  /// No clock edge changes any state while nothing is granted.
  output logic                 idle_o
);

  // ---- Requests: dead, slow -----------------------------------------------------------------

  logic       granted, held;
  logic [7:0] gap_q;  // cycles until the next grant may be taken

  assign granted = grant_i != '0;
  assign held    = dead_i || ((slow_i != '0) && (granted || (gap_q != '0)));

  // The cycle behind the last beat, in which the next grant is taken at the earliest, is one.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) gap_q <= '0;
    else if ((slow_i != '0) && granted) gap_q <= slow_i - 8'd1;
    else if (gap_q != '0) gap_q <= gap_q - 8'd1;
  end

  assign request_control_o = request_control_i & {NumNodes{!held}};
  assign request_data_o    = request_data_i & {NumNodes{!held}};

  // ---- Grants: double -------------------------------------------------------------------------

  logic [NumNodes-1:0] granted_q;  // in the last cycle, while the fault is on
  logic [NumNodes-1:0] second_q;   // the lane that has the bus beside the one granted
  logic [NumNodes-1:0] asking, second, driving;

  assign asking  = (request_control_i | request_data_i) & ~grant_i;
  assign second  = (granted_q == grant_i) ? second_q : '0;
  assign driving = second & valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      granted_q <= '0;
      second_q  <= '0;
    end else if (double_i || ((granted_q | second_q) != '0)) begin
      granted_q <= double_i ? grant_i : '0;
      if (!granted || ((last_o & grant_i) != '0)) second_q <= '0;
      else if (double_i && (granted_q != grant_i)) second_q <= asking & (~asking + NumNodes'(1));
      else second_q <= second_q & ~(valid_i & last_i);
    end
  end

  assign collision_o = driving != '0;
  assign grant_o     = grant_i | second;
  assign valid_o     = valid_i;
  assign last_o      = last_i | {NumNodes{(driving & last_i) != '0}};

  always_comb begin
    data_o = '0;
    if (collision_o) begin
      for (int unsigned i = 0; i < NumNodes; i++) begin
        if (driving[i]) data_o = data_i[i];
      end
    end
  end

  assign idle_o = (gap_q == '0) && (granted_q == '0) && (second_q == '0);

  // Rules.
  `XYBUS_RULE(SoundIsWired, dead_i || (slow_i != '0) || (gap_q != '0) || (second_q != '0) ||
              ((grant_o == grant_i) && (last_o == last_i) &&
               (request_control_o == request_control_i) && (request_data_o == request_data_i)))
  `XYBUS_RULE(SecondIsOne, $onehot0(second_q))
  `XYBUS_RULE(SecondIsAnother, (second & grant_i) == '0)
  `XYBUS_RULE(DeadIsDeaf, !dead_i || ((request_control_o | request_data_o) == '0))

endmodule
