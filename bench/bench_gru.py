"""The PyTorch side of bench_fits.py's GRU: nn.GRU and a linear read-out, trained on the loss of every prefix with AdamW,
batches in the order given. Usage: bench_gru.py try | FILE.npz. Prints seconds of processor time, the version, and the
mean loss of each epoch."""
import sys
import time

import numpy as np
import torch


def main(path):
    data = np.load(path)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["label"]).float()
    h, n_batch = int(data["h"]), int(data["batch"])
    cell, read = torch.nn.GRU(x.shape[2], h, batch_first=True), torch.nn.Linear(h, 1)
    adam = torch.optim.AdamW([*cell.parameters(), *read.parameters()], lr=float(data["rate"]),
                             weight_decay=float(data["decay"]))
    loss_of, losses = torch.nn.BCEWithLogitsLoss(), []
    start = time.process_time()
    for order in torch.from_numpy(data["order"]):
        total = 0
        for item in order.split(n_batch):
            logit = read(cell(x[item])[0]).squeeze(2)
            loss = loss_of(logit, y[item][:, None].expand_as(logit))
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item() * len(item)
        losses.append(total / len(order))
    print(time.process_time() - start, torch.__version__, *losses)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] != "try":
        main(sys.argv[1])
