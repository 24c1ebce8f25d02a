// Parking place of a transmit lane, for a data packet that waits for its bus while a more urgent
// one waits for the lane.
//
//   scheduler ──job──►┌─────────┐──job──► lane
//             ◄─ready─┤  park   │◄─job of a lane that yields
//                     └─────────┘
//
// Without it a control packet, or one that changes buses, could wait behind a data packet of its
// own node that has not got the bus yet. The lane yields: it takes its request back, and the packet
// waits here. It goes back into the lane as soon as that is free and nothing urgent wants it;
// meanwhile the lane takes no other data packet.

`include "assertions.svh"

module send_park
  import xybus_pkg::*;
(
  input  logic   clk_i,
  /// Low also while the engine is disabled.
  input  logic   rst_ni,
  /// The scheduler, or the other lane, has something urgent for this lane, which is not free.
  input  logic   wanted_i,
  /// From the scheduler.
  input  logic   job_valid_i,
  input  job_t   job_i,
  /// The lane can take a job; one of data.
  output logic   ready_o,
  output logic   data_ready_o,
  /// The packet that is parked, one of data: its destinations.
  output logic   parked_o,
  output nodes_t held_o,
  /// The lane: what it is given; that it ought to yield; that it does, unless it is granted.
  output logic   job_valid_o,
  output job_t   job_o,
  output pause_t job_pause_o,
  input  logic   ready_i,
  output logic   yield_o,
  input  logic   yields_i,
  /// Of the free-running clock: captured only.
  input  logic   grant_i,
  input  job_t   yielded_i,
  input  pause_t yielded_pause_i,
  output logic   busy_o,
  output logic   idle_o
);

  logic   parked_q;
  job_t   job_q;
  pause_t pause_q;  // what was left of its pause: making way is no reason to ask a busy node sooner

  logic resumes;
  assign resumes = parked_q && ready_i && !job_valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      parked_q <= 1'b0;
      job_q    <= '0;
      pause_q  <= '0;
    end else if (yields_i && !grant_i) begin
      parked_q <= 1'b1;
      job_q    <= yielded_i;
      pause_q  <= yielded_pause_i;
    end else if (resumes) begin
      parked_q <= 1'b0;
    end
  end

  assign ready_o      = ready_i;
  assign data_ready_o = ready_i && !parked_q;
  assign parked_o     = parked_q;
  assign held_o       = job_q.left;
  assign job_valid_o  = job_valid_i || resumes;
  assign job_o        = job_valid_i ? job_i : job_q;
  assign job_pause_o  = job_valid_i ? '0 : pause_q;
  assign yield_o      = wanted_i && !parked_q;
  assign busy_o       = resumes;
  assign idle_o       = !parked_q;

  // Rules.
  `XYBUS_RULE(ParkWasFree, !yields_i || !parked_q)
  `XYBUS_RULE(ParkedIsData, !parked_q || !job_q.offer.traffic_class)

endmodule
