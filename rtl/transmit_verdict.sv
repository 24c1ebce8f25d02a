// Transmit verdict: what becomes of a packet. Without state of its own.
//
// After an attempt (decide): destinations that have accepted the packet, or refused it, are done
// with. So are those that are busy once the limit of busy answers is reached; for a read packet
// that is one: see bulk_sender. Who gives two answers at once has given none: something has
// happened to them on the wires.
//
// Then, and whenever the packet waits to move (weigh), where each destination that is left is tried
// next, by the states of its paths on this bus (here) and the other one (there):
//
//   here up                             here
//   here suspect    there up            there
//   here suspect    there not up        here
//   here down       there not down      there
//   here down       there down          nowhere: unreachable
//
// A packet with a forced route, or one that has moved seven times, has no there. A destination that
// has answered busy stays: its path is good. Those here are tried first, then the rest moves.
// A packet comes to an end, whatever the answers: on one bus busy answers count up to their limit,
// and between two of them all others add points to the path, which only this lane uses.

module transmit_verdict
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic        decide_i,
  input  logic        weigh_i,
  /// Most busy answers; 0 counts as 1.
  input  logic [15:0] busy_limit_i,
  /// The packet, the destinations of the last attempt, and their answers.
  input  job_t        job_i,
  input  nodes_t      tried_i,
  input  answers_t    answers_i,
  /// Paths of this bus and of the other one.
  input  nodes_t      here_suspect_i,
  input  nodes_t      here_down_i,
  input  nodes_t      there_suspect_i,
  input  nodes_t      there_down_i,
  /// The packet after this.
  output job_t        job_o,
  /// Decide: what the attempt has shown of the paths; who has answered busy, or refused.
  output nodes_t      good_o,
  output nodes_t      missing_o,
  output nodes_t      corrupt_o,
  output nodes_t      busy_o,
  output nodes_t      refused_o,
  /// Destinations that are done with, and have got the packet or may have.
  output nodes_t      settled_o,
  /// Weigh: destinations to try here, whether after a pause, and those to try there.
  output nodes_t      here_o,
  output logic        pause_o,
  output nodes_t      there_o
);

  /// Who gives two answers.
  function automatic nodes_t contradictory(input answers_t answers);
    return (answers.accepted & answers.busy) |
           ((answers.accepted | answers.busy) & answers.corrupt) |
           ((answers.accepted | answers.busy | answers.corrupt) & answers.refused);
  endfunction

  logic   stays;
  nodes_t plain, accepted, given_up, lost;  // plain: one answer at most

  always_comb begin
    job_o     = job_i;
    plain     = '0;
    accepted  = '0;
    given_up  = '0;
    lost      = '0;
    stays     = 1'b0;
    good_o    = '0;
    missing_o = '0;
    corrupt_o = '0;
    busy_o    = '0;
    refused_o = '0;
    settled_o = '0;
    here_o    = '0;
    there_o   = '0;
    pause_o   = 1'b0;
    if (decide_i) begin
      plain     = tried_i & ~contradictory(answers_i);
      accepted  = plain & answers_i.accepted;
      refused_o = plain & answers_i.refused;
      busy_o    = plain & answers_i.busy;
      good_o    = accepted | refused_o | busy_o;
      corrupt_o = plain & answers_i.corrupt;
      missing_o = tried_i & ~(good_o | corrupt_o);
      settled_o = accepted | refused_o;
      if (busy_o != '0) begin
        job_o.busy = job_i.busy + 16'd1;
        if ((job_o.busy >= busy_limit_i) || (job_i.offer.kind == PacketKindRead)) begin
          given_up = busy_o;
          if (job_o.status < SendStatusBusy) job_o.status = SendStatusBusy;
        end
      end
      if ((refused_o != '0) && (job_o.status < SendStatusDenied)) job_o.status = SendStatusDenied;
      job_o.left   = job_i.left & ~(settled_o | given_up);
      job_o.missed = job_i.missed | refused_o | given_up;
      job_o.unsure = job_i.unsure | missing_o;
    end else if (weigh_i) begin
      stays   = (job_i.offer.route != RouteAny) || (job_i.moves == 3'd7);
      busy_o  = job_i.left & tried_i & answers_i.busy & ~contradictory(answers_i);
      there_o = stays ? '0 : job_i.left & ~busy_o & ~there_down_i &
                             (here_down_i | (here_suspect_i & ~there_suspect_i));
      lost    = job_i.left & ~busy_o & here_down_i & ~there_o;
      here_o  = job_i.left & ~there_o & ~lost;
      pause_o = busy_o != '0;
      // What was always answered, or never tried, has not arrived.
      settled_o    = lost & job_i.unsure;
      job_o.left   = job_i.left & ~lost;
      job_o.missed = job_i.missed | lost;
      if ((lost != '0) && (job_i.status < SendStatusUnreachable)) begin
        job_o.status = SendStatusUnreachable;
      end
    end
  end

endmodule
