-- What a person does in Neovim: waits for the diagnostics, applies the first quick fix, saves.

local wait = tonumber(vim.env.WAIT) * 1000

local function code(diagnostic)
  return diagnostic.code or diagnostic.user_data.lsp.code
end

-- Only the change whose result is known: others may be offered before and after it.
local function offers()
  return vim.tbl_filter(function(each)
    return code(each) == 'copy-manifests-first'
  end, vim.diagnostic.get(0, { severity = vim.diagnostic.severity.INFO }))
end

local function finish(said)
  vim.fn.writefile({ vim.fn.json_encode(said) }, vim.env.SAID)
  vim.cmd('qall!')
end

if not vim.wait(wait, function() return #offers() > 0 end) then
  return finish({ failed = 'no diagnostics came' })
end
local found = offers()
vim.api.nvim_win_set_cursor(0, { found[1].lnum + 1, found[1].col })

vim.ui.select = function(items, options, choose)
  choose(items[1], 1)
end
local before = vim.api.nvim_buf_get_changedtick(0)
vim.lsp.buf.code_action()
if not vim.wait(wait, function() return vim.api.nvim_buf_get_changedtick(0) > before end) then
  return finish({ failed = 'no quick fix was applied', diagnostics = found })
end
if not vim.wait(wait, function() return #offers() == 0 end) then
  return finish({ failed = 'the diagnostic stayed', diagnostics = offers() })
end
vim.cmd('write')

vim.cmd('undo')
vim.wait(wait, function() return #offers() > 0 end)
vim.cmd('DockoptPatch')
if not vim.wait(wait, function() return vim.bo.filetype == 'diff' end) then
  return finish({ failed = 'no patch was shown' })
end
local patch = vim.api.nvim_buf_get_lines(0, 0, -1, false)
finish({ code = code(found[1]), patch = patch })
